-- +goose Up
-- Who looked at personal data in a report, and why. Append-only.
CREATE TABLE report_readings (
  id         CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report     VARCHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(30) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  reason     VARCHAR(200) NOT NULL,
  query      JSON NOT NULL,
  at         DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  KEY ix_report_readings_branch (branch_id, id),
  CONSTRAINT fk_report_readings_branch FOREIGN KEY (branch_id) REFERENCES branches (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
