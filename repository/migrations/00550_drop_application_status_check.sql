-- +goose Up
-- One more status: see the next file.
ALTER TABLE applications DROP CONSTRAINT ck_applications_status;
