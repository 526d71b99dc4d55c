-- +goose Up
-- For reports: what was done at a branch in a period.
ALTER TABLE events ADD KEY ix_events_branch (branch_id, at, subject_id, version);
