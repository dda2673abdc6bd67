CREATE TABLE `delegations` (
	`id` text PRIMARY KEY NOT NULL,
	`team` text NOT NULL,
	`from_user` text NOT NULL,
	`to_user` text NOT NULL,
	`since` integer NOT NULL,
	`until` integer NOT NULL,
	`ended_at` integer
);
--> statement-breakpoint
CREATE INDEX `delegations_standing` ON `delegations` (`team`,`until`) WHERE ended_at is null;