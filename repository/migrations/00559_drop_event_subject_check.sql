-- +goose Up
-- Enquiries are a subject of their own: see the next file.
ALTER TABLE events DROP CONSTRAINT ck_events_subject;
