-- +goose Up
-- When the end was recorded, which may be later than ended_on: what a report of a past day knew. NULL with an end: not kept then.
ALTER TABLE households ADD COLUMN ended_at DATETIME(6) NULL;
