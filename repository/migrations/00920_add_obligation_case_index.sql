-- +goose Up
-- Before a case is paid again: what proof of use is overdue.
ALTER TABLE obligations ADD KEY ix_obligations_case (application_id, status, due_on);
