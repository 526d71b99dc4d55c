-- +goose Up
-- It is the file's own word, and no id of ours.
ALTER TABLE reconciliation_cases RENAME COLUMN end_to_end_id TO end_to_end;
