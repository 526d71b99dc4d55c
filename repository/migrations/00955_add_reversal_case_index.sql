-- +goose Up
-- A renewal is not signed while a reversal of the loan that it renews waits.
ALTER TABLE reversals ADD KEY ix_reversals_case (application_id, status);
