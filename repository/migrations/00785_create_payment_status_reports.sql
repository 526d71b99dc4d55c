-- +goose Up
-- Who brought which report of the bank about a payment file, and what came of it. The same report again changes nothing.
CREATE TABLE payment_status_reports (
  file_id          CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  report_sha256    CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id        CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  uploaded_by      CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  uploaded_by_name VARCHAR(100) NOT NULL,
  uploaded_at      DATETIME(6) NOT NULL,
  PRIMARY KEY (file_id, report_sha256),
  CONSTRAINT fk_payment_status_reports_file FOREIGN KEY (file_id) REFERENCES payment_files (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
