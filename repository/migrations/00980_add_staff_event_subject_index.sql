-- +goose Up
-- For reports: which branches were renamed since a day.
ALTER TABLE staff_events ADD KEY ix_staff_events_subject_at (subject, at);
