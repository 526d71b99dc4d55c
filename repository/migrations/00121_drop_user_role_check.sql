-- +goose Up
-- More roles: see the next file. One statement a file, because each DDL commits by itself.
ALTER TABLE users DROP CONSTRAINT ck_users_role;
