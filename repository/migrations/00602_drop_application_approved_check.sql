-- +goose Up
-- An override may grant more than was asked: see the next file.
ALTER TABLE applications DROP CONSTRAINT ck_applications_approved;
