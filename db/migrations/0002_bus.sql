CREATE TABLE `bus_deliveries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`subscriber` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`status` text NOT NULL,
	`batch` text,
	`run_id` text,
	`reason` text,
	CONSTRAINT "bus_deliveries_status" CHECK("status" in ('pending', 'claimed', 'done', 'refused'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `bus_deliveries_once` ON `bus_deliveries` (`subscriber`,`seq`);--> statement-breakpoint
CREATE INDEX `bus_deliveries_pending` ON `bus_deliveries` (`subscriber`,`id`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `bus_deliveries_claimed` ON `bus_deliveries` (`id`) WHERE status = 'claimed';--> statement-breakpoint
CREATE INDEX `bus_deliveries_by_run` ON `bus_deliveries` (`run_id`) WHERE run_id is not null;--> statement-breakpoint
CREATE INDEX `bus_deliveries_by_seq` ON `bus_deliveries` (`seq`);--> statement-breakpoint
CREATE TABLE `bus_events` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`name` text NOT NULL,
	`payload` text NOT NULL,
	`source_kind` text NOT NULL,
	`source` text NOT NULL,
	`hops` integer NOT NULL,
	`at` integer NOT NULL,
	`refused` text,
	CONSTRAINT "bus_events_source" CHECK("source_kind" in ('run', 'hook', 'person', 'baton'))
);
--> statement-breakpoint
CREATE INDEX `bus_events_by_name` ON `bus_events` (`name`,`seq`);--> statement-breakpoint
CREATE TABLE `bus_keys` (
	`key` text PRIMARY KEY NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `bus_keys_by_time` ON `bus_keys` (`at`);--> statement-breakpoint
CREATE TABLE `bus_listeners` (
	`id` text PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`name` text NOT NULL,
	`signal` text NOT NULL,
	`rule` text,
	`facts` text NOT NULL,
	`remaining` integer NOT NULL,
	`after_seq` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `bus_listeners_by_name` ON `bus_listeners` (`name`);--> statement-breakpoint
CREATE INDEX `bus_listeners_by_run` ON `bus_listeners` (`run_id`);