-- +goose Up
-- A worker ends the lines whose last day has passed.
ALTER TABLE credit_lines ADD KEY ix_credit_lines_ends (status, ends_on, application_id);
