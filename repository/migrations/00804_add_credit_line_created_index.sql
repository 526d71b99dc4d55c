-- +goose Up
-- For reports: the lines of a branch in the order in which they were opened.
ALTER TABLE credit_lines ADD KEY ix_credit_lines_created (branch_id, created_at, application_id);
