-- +goose Up
-- What became of a file of answers, row by row. The same file of a company is imported once.
CREATE TABLE guarantee_answer_files (
  id               CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  company_id       CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  file_sha256      BINARY(32)   NOT NULL,
  result_rows      JSON         NOT NULL,
  imported_by      CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  imported_by_name VARCHAR(100) NOT NULL,
  imported_at      DATETIME(6)  NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_guarantee_answer_files_file UNIQUE (company_id, file_sha256),
  CONSTRAINT fk_guarantee_answer_files_company FOREIGN KEY (company_id) REFERENCES guarantee_companies (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
