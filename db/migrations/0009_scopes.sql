CREATE TABLE `flags` (
	`team` text NOT NULL,
	`channel` text NOT NULL,
	`name` text NOT NULL,
	`on` integer NOT NULL,
	`by` text NOT NULL,
	`at` integer NOT NULL,
	PRIMARY KEY(`team`, `channel`, `name`)
);
--> statement-breakpoint
ALTER TABLE `bus_events` ADD `team` text;--> statement-breakpoint
UPDATE `bus_events` SET `team` = (SELECT s.`team` FROM `runs` r JOIN `sessions` s ON s.`id` = r.`session_id` WHERE r.`id` = `bus_events`.`source`) WHERE `source_kind` IN ('run', 'baton');
--> statement-breakpoint
INSERT INTO `flags` (`team`, `channel`, `name`, `on`, `by`, `at`)
SELECT substr(w.head, 6, length(w.head) - 6), substr(w.place, length(w.head) + 1), w.name, json_extract(w.value, '$.on'), json_extract(w.value, '$.by'), w.at
FROM (
	SELECT rtrim(v.place, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789') AS head, v.place, v.name, v.value, v.at
	FROM (
		SELECT rtrim(rtrim(`key`, 'abcdefghijklmnopqrstuvwxyz0123456789_'), ':') AS place, substr(`key`, length(rtrim(`key`, 'abcdefghijklmnopqrstuvwxyz0123456789_')) + 1) AS name, `value`, `at`
		FROM `settings` WHERE `key` LIKE 'flag:%'
	) v
) w;
--> statement-breakpoint
DELETE FROM `settings` WHERE `key` LIKE 'flag:%';
