-- +goose Up
-- What was agreed with a guarantee company, by whom and when: append-only, with the whole terms each time.
CREATE TABLE guarantee_company_events (
  company_id CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  version    INT          NOT NULL,
  action     VARCHAR(20)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_id   CHAR(36)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  actor_name VARCHAR(100) NOT NULL,
  actor_role VARCHAR(30)  CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  at         DATETIME(6)  NOT NULL,
  terms      JSON         NOT NULL,
  PRIMARY KEY (company_id, version),
  CONSTRAINT fk_guarantee_company_events_company FOREIGN KEY (company_id) REFERENCES guarantee_companies (id),
  CONSTRAINT ck_guarantee_company_events_action CHECK (action IN ('company_draft','company_activate'))
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
