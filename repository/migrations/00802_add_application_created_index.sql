-- +goose Up
-- For reports: the applications of a branch in the order in which they were opened.
ALTER TABLE applications ADD KEY ix_applications_created (branch_id, created_at, id);
