-- +goose Up
-- When a stay and its end were recorded, which may be later than joined_on and left_on. NULL: not kept then.
ALTER TABLE household_members ADD COLUMN joined_at DATETIME(6) NULL, ADD COLUMN left_at DATETIME(6) NULL;
