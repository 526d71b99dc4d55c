package domain

// Limits of a list page.
const (
	PageLimitDefault = 20
	PageLimitMax     = 100
)

// Page asks for the rows that follow a key, newest first. There is no offset: an offset reads all it skips.
type Page struct {
	Limit int // 1 to PageLimitMax
	After ID  // the last id of the page before; zero for the first page
}
