CREATE TABLE `audit` (
	`seq` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`kind` text NOT NULL,
	`actor` text NOT NULL,
	`actor_kind` text NOT NULL,
	`team` text,
	`run_id` text,
	`approval_id` text,
	`shown` text,
	`executed` text,
	`detail` text NOT NULL,
	`prev` text NOT NULL,
	`hash` text NOT NULL
);
--> statement-breakpoint
CREATE INDEX `audit_by_run` ON `audit` (`run_id`);--> statement-breakpoint
CREATE TABLE `__new_approvals` (
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
	`votes` text DEFAULT '[]' NOT NULL,
	`break_glass` text,
	`void_reason` text,
	`execute_by` integer,
	`taken_by` text,
	`taken_at` integer,
	`audit_hash` text,
	CONSTRAINT "approvals_status" CHECK("status" in ('pending', 'approved', 'taken', 'rejected', 'changes_requested', 'expired', 'lapsed', 'voided'))
);
--> statement-breakpoint
INSERT INTO `__new_approvals`("id", "nonce", "run_id", "key", "team", "requester", "status", "subject", "policy", "requested_at", "expires_at", "decided_by", "decided_at", "comment") SELECT "id", "nonce", "run_id", "key", "team", "requester", "status", "subject", "policy", "requested_at", "expires_at", "decided_by", "decided_at", "comment" FROM `approvals`;--> statement-breakpoint
DROP TABLE `approvals`;--> statement-breakpoint
ALTER TABLE `__new_approvals` RENAME TO `approvals`;--> statement-breakpoint
CREATE UNIQUE INDEX `approvals_nonce_unique` ON `approvals` (`nonce`);--> statement-breakpoint
CREATE INDEX `approvals_by_run` ON `approvals` (`run_id`);--> statement-breakpoint
CREATE INDEX `approvals_open` ON `approvals` (`status`) WHERE status in ('pending', 'approved');--> statement-breakpoint
CREATE TRIGGER `audit_stays` BEFORE UPDATE ON `audit` BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;--> statement-breakpoint
CREATE TRIGGER `audit_keeps` BEFORE DELETE ON `audit` BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
