-- +goose Up
-- An end that takes two people waits here for the second: what one asked for, and when.
ALTER TABLE approval_authorities
  ADD COLUMN end_asked_by  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
  ADD COLUMN end_asked_at  DATETIME(6) NULL,
  ADD COLUMN end_asked_for DATE NULL,
  ADD CONSTRAINT ck_approval_authorities_end_asked CHECK ((end_asked_by IS NULL) = (end_asked_for IS NULL) AND (end_asked_by IS NULL) = (end_asked_at IS NULL));
