-- +goose Up
-- What each version of a calendar year said, who set it and when: append-only. A version is made once.
CREATE TABLE calendar_year_events (
  year         SMALLINT NOT NULL,
  version      INT NOT NULL,
  holidays     JSON NOT NULL,
  make_up_days JSON NOT NULL,
  source       VARCHAR(200) NOT NULL,
  set_by       CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  set_at       DATETIME(6) NOT NULL,
  CONSTRAINT pk_calendar_year_events PRIMARY KEY (year, version),
  CONSTRAINT fk_calendar_year_events_year FOREIGN KEY (year) REFERENCES calendar_years (year)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
