CREATE TABLE `health` (
	`kind` text NOT NULL,
	`name` text NOT NULL,
	`circuit` text NOT NULL,
	`done` integer NOT NULL,
	`failed` integer NOT NULL,
	`last_failure` text,
	PRIMARY KEY(`kind`, `name`)
);
--> statement-breakpoint
CREATE TABLE `model_answers` (
	`digest` text PRIMARY KEY NOT NULL,
	`reply` text NOT NULL,
	`bytes` integer NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `model_answers_by_time` ON `model_answers` (`at`);