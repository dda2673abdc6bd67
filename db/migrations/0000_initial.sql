CREATE TABLE `approvals` (
	`id` text PRIMARY KEY NOT NULL,
	`nonce` text NOT NULL,
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`team` text NOT NULL,
	`requester` text NOT NULL,
	`status` text NOT NULL,
	`subject` text NOT NULL,
	`policy` text NOT NULL,
	`requested_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`decided_by` text,
	`decided_at` integer,
	`comment` text,
	CONSTRAINT "approvals_status" CHECK("status" in ('pending', 'approved', 'rejected', 'changes_requested', 'expired', 'voided'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `approvals_nonce_unique` ON `approvals` (`nonce`);--> statement-breakpoint
CREATE INDEX `approvals_by_run` ON `approvals` (`run_id`);--> statement-breakpoint
CREATE INDEX `approvals_open` ON `approvals` (`status`) WHERE status = 'pending';--> statement-breakpoint
CREATE TABLE `decisions` (
	`id` text PRIMARY KEY NOT NULL,
	`run_id` text NOT NULL,
	`kind` text NOT NULL,
	`actor` text NOT NULL,
	`actor_kind` text NOT NULL,
	`choice` text NOT NULL,
	`reason` text NOT NULL,
	`alternatives` text DEFAULT '[]' NOT NULL,
	`evidence` text DEFAULT '{}' NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `decisions_by_run` ON `decisions` (`run_id`,`at`);--> statement-breakpoint
CREATE TABLE `deliveries` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`intent` text NOT NULL,
	`kind` text NOT NULL,
	`payload` text NOT NULL,
	`received_at` integer NOT NULL,
	`handled_at` integer,
	`attempts` integer DEFAULT 0 NOT NULL,
	`error` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_intent_unique` ON `deliveries` (`intent`);--> statement-breakpoint
CREATE INDEX `deliveries_open` ON `deliveries` (`id`) WHERE handled_at is null;--> statement-breakpoint
CREATE TABLE `events` (
	`run_id` text NOT NULL,
	`seq` integer NOT NULL,
	`at` integer NOT NULL,
	`type` text NOT NULL,
	`data` text NOT NULL,
	PRIMARY KEY(`run_id`, `seq`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `messages` (
	`key` text PRIMARY KEY NOT NULL,
	`team` text NOT NULL,
	`channel` text NOT NULL,
	`ts` text NOT NULL,
	`outbox_id` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_place` ON `messages` (`channel`,`ts`);--> statement-breakpoint
CREATE TABLE `outbox` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`team` text NOT NULL,
	`key` text NOT NULL,
	`kind` text NOT NULL,
	`target` text NOT NULL,
	`user` text,
	`thread` text,
	`lane` text NOT NULL,
	`text` text NOT NULL,
	`blocks` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`not_before` integer DEFAULT 0 NOT NULL,
	`error` text,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	CONSTRAINT "outbox_status" CHECK("status" in ('pending', 'sending', 'sent', 'failed', 'dropped'))
);
--> statement-breakpoint
CREATE INDEX `outbox_waiting` ON `outbox` (`id`) WHERE status in ('pending', 'sending');--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_one_post` ON `outbox` (`key`) WHERE kind <> 'update';--> statement-breakpoint
CREATE UNIQUE INDEX `outbox_one_update` ON `outbox` (`key`) WHERE kind = 'update' and status = 'pending';--> statement-breakpoint
CREATE TABLE `replays` (
	`signature` text PRIMARY KEY NOT NULL,
	`seen_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `runs` (
	`id` text PRIMARY KEY NOT NULL,
	`session_id` text,
	`status` text NOT NULL,
	`spec` text NOT NULL,
	`hash` text NOT NULL,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	`outcome` text,
	`projected_seq` integer DEFAULT 0 NOT NULL,
	`projection_done` integer DEFAULT 0 NOT NULL,
	CONSTRAINT "runs_status" CHECK("status" in ('queued', 'running', 'waiting', 'paused', 'completed', 'failed', 'cancelled'))
);
--> statement-breakpoint
CREATE INDEX `runs_by_status` ON `runs` (`status`);--> statement-breakpoint
CREATE INDEX `runs_by_session` ON `runs` (`session_id`);--> statement-breakpoint
CREATE INDEX `runs_unprojected` ON `runs` (`projection_done`) WHERE projection_done = 0 and session_id is not null;--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`team` text NOT NULL,
	`channel` text NOT NULL,
	`requester` text NOT NULL,
	`request` text NOT NULL,
	`workflow` text NOT NULL,
	`repository` text NOT NULL,
	`created_at` integer NOT NULL,
	`current_run_id` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `sessions_by_team` ON `sessions` (`team`,`created_at`);--> statement-breakpoint
CREATE TABLE `settings` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `signals` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` text NOT NULL,
	`name` text NOT NULL,
	`payload` text NOT NULL,
	`idempotency_key` text NOT NULL,
	`at` integer NOT NULL,
	`consumed_by` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `signals_once` ON `signals` (`run_id`,`idempotency_key`);--> statement-breakpoint
CREATE INDEX `signals_waiting` ON `signals` (`run_id`) WHERE consumed_by is null;--> statement-breakpoint
CREATE TABLE `steps` (
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`kind` text NOT NULL,
	`status` text NOT NULL,
	`attempt` integer NOT NULL,
	`crashes` integer DEFAULT 0 NOT NULL,
	`started_at` integer NOT NULL,
	`settled_seq` integer,
	`outcome` text,
	PRIMARY KEY(`run_id`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `timers` (
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`fire_at` integer NOT NULL,
	PRIMARY KEY(`run_id`, `key`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `timers_due` ON `timers` (`fire_at`);--> statement-breakpoint
CREATE TABLE `usage` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`run_id` text NOT NULL,
	`key` text NOT NULL,
	`kind` text NOT NULL,
	`agent` text,
	`model` text,
	`input_tokens` integer NOT NULL,
	`cached_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`duration_ms` real NOT NULL,
	`cost_usd` real,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `usage_by_run` ON `usage` (`run_id`);