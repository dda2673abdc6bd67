PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_events` (
	`run_id` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL
);
--> statement-breakpoint
INSERT INTO `__new_events`("run_id", "seq", "at", "type", "data") SELECT "run_id", "seq", "at", "type", "data" FROM `events`;--> statement-breakpoint
DROP TABLE `events`;--> statement-breakpoint
ALTER TABLE `__new_events` RENAME TO `events`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `events_by_run` ON `events` (`run_id`,`seq`);--> statement-breakpoint
CREATE TABLE `__new_steps` (
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`attempt` integer NOT NULL,
	`settled_seq` integer NOT NULL,
	`outcome` text NOT NULL,
	PRIMARY KEY(`run_id`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `__new_steps`("run_id", "key", "kind", "status", "attempt", "settled_seq", "outcome") SELECT "run_id", "key", "kind", "status", "attempt", "settled_seq", "outcome" FROM `steps` WHERE "outcome" IS NOT NULL;--> statement-breakpoint
DROP TABLE `steps`;--> statement-breakpoint
ALTER TABLE `__new_steps` RENAME TO `steps`;