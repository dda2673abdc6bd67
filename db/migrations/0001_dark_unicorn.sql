CREATE TABLE `leases` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL,
	`run_id` text NOT NULL,
	`timer` text NOT NULL,
	`wants` text NOT NULL,
	`held` integer NOT NULL,
	`asked_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `leases_id_unique` ON `leases` (`id`);--> statement-breakpoint
CREATE INDEX `leases_by_run` ON `leases` (`run_id`);