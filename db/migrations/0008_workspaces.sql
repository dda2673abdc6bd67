CREATE TABLE `installations` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`sealed` text NOT NULL,
	`key_id` text NOT NULL,
	`installed_at` integer NOT NULL,
	`revoked_at` integer,
	`revoked_by` text
);
--> statement-breakpoint
DROP INDEX `messages_by_place`;--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_place` ON `messages` (`team`,`channel`,`ts`);