-- +goose Up
-- More subjects: see the next file.
ALTER TABLE events DROP CONSTRAINT ck_events_subject;
