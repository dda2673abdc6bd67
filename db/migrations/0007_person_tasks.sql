CREATE TABLE `person_tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`nonce` text NOT NULL,
	`run_id` text NOT NULL,
	`team` text NOT NULL,
	`status` text NOT NULL,
	`assignee` text NOT NULL,
	`asked_at` integer NOT NULL,
	`detail` text NOT NULL,
	CONSTRAINT "person_tasks_status" CHECK("status" in ('open', 'done', 'declined', 'skipped', 'expired', 'voided'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `person_tasks_nonce_unique` ON `person_tasks` (`nonce`);--> statement-breakpoint
CREATE INDEX `person_tasks_by_run` ON `person_tasks` (`run_id`);--> statement-breakpoint
CREATE INDEX `person_tasks_open` ON `person_tasks` (`team`,`asked_at`) WHERE status = 'open';