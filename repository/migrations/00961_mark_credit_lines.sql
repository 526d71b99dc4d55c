-- +goose Up
UPDATE credit_lines SET notes_missing = 1 WHERE notes_count = 0 AND drawn_total > 0;
