-- +goose Up
-- The guarantee companies. terms are in force, draft waits for a second person. Whoever takes quota locks the row.
CREATE TABLE guarantee_companies (
  id         CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  code       VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  terms      JSON        NULL,
  draft      JSON        NULL,
  drafted_by CHAR(36)    CHARACTER SET ascii COLLATE ascii_bin NULL,
  sample     BOOLEAN     NOT NULL,
  version    INT         NOT NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT uk_guarantee_companies_code UNIQUE (code),
  CONSTRAINT ck_guarantee_companies_draft CHECK ((draft IS NULL) = (drafted_by IS NULL)),
  CONSTRAINT ck_guarantee_companies_terms CHECK (terms IS NOT NULL OR draft IS NOT NULL)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
