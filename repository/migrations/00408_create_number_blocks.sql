-- +goose Up
-- Business numbers are given out in blocks: a node takes a block in a transaction of its own and counts inside it, so that
-- applications do not queue for one row. Gaps are fine, duplicates are not.
CREATE TABLE number_blocks (
  series      VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  next_number BIGINT NOT NULL,
  PRIMARY KEY (series)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
