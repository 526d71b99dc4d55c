-- +goose Up
-- Site visits by two investigators (实地调查, 本人和协查). Counted once the second one has confirmed.
CREATE TABLE site_visits (
  id              CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application_id  CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  branch_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  investigator_id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  second_id       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  visited_on      DATE NOT NULL,
  findings        VARCHAR(2000) NOT NULL,
  photos          JSON NOT NULL,
  recorded_at     DATETIME(6) NOT NULL,
  confirmed_at    DATETIME(6) NULL,
  version         INT NOT NULL,
  PRIMARY KEY (id),
  KEY ix_site_visits_application (application_id, id),
  CONSTRAINT fk_site_visits_application FOREIGN KEY (application_id) REFERENCES applications (id),
  CONSTRAINT fk_site_visits_branch FOREIGN KEY (branch_id) REFERENCES branches (id),
  CONSTRAINT ck_site_visits_two_people CHECK (investigator_id <> second_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
