-- +goose Up
-- For reports: the contracts of a branch up to a day.
ALTER TABLE contracts ADD KEY ix_contracts_recorded (branch_id, recorded_at, application_id);
