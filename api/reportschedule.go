package api

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"fumin/domain"
	"fumin/domain/origination"
	"fumin/domain/report"
)

// reportScheduleRoutes are the routes of reports that are made and sent again and again (定时报表).
func (s *server) reportScheduleRoutes() []route {
	const one = "/v1/report-schedules/:id"
	return []route{
		{method: http.MethodGet, path: "/v1/report-destinations", handler: s.listReportDestinations},
		{method: http.MethodPost, path: "/v1/report-schedules", handler: s.createReportSchedule},
		{method: http.MethodGet, path: "/v1/report-schedules", handler: s.listReportSchedules, query: true},
		{method: http.MethodGet, path: one, handler: byID(s.reportSchedules.Schedule, shown(viewReportSchedule))},
		{method: http.MethodPost, path: one + "/pause", handler: byID(s.reportSchedules.Pause, shown(viewReportSchedule))},
		{method: http.MethodPost, path: one + "/resume", handler: byID(s.reportSchedules.Resume, shown(viewReportSchedule))},
		{method: http.MethodPost, path: one + "/end", handler: byID(s.reportSchedules.End, shown(viewReportSchedule))},
		{method: http.MethodGet, path: one + "/events", handler: s.listReportScheduleEvents, query: true},
		{method: http.MethodGet, path: one + "/deliveries", handler: pageByID(s.reportSchedules.Deliveries, viewReportDelivery, func(d origination.ReportDelivery) domain.ID { return d.ID }), query: true},
		{method: http.MethodPost, path: one + "/deliveries/:delivery_id/retry", handler: s.retryReportDelivery},
	}
}

type reportDestinationView struct {
	Name string                            `json:"name"`
	Kind origination.ReportDestinationKind `json:"kind"`
}

func (s *server) listReportDestinations(c *gin.Context) error {
	destinations, err := s.reportSchedules.Destinations(actor(c))
	if err != nil {
		return err
	}
	items := make([]reportDestinationView, len(destinations))
	for i, d := range destinations {
		items[i] = reportDestinationView{Name: d.Name, Kind: d.Kind}
	}
	return writeJSON(c, http.StatusOK, listView[reportDestinationView]{Items: items})
}

// Bounds of the texts of a schedule.
const (
	scheduleWordMax    = 20
	destinationNameMax = 40
)

// readReportSchedule reads what a schedule is to be. What the words mean the use case looks at.
func readReportSchedule(in *object) origination.ReportScheduleTerms {
	terms := origination.ReportScheduleTerms{
		Report: report.Code(in.text("report", 1, reportCodeRunesMax)), Format: required(in, "format", parseReportFormat),
		Charset: report.CharsetUTF8, ProductCode: in.text("product_code", 0, productCodeRunesMax),
		BranchID: orZero(optional(in, "branch_id", domain.ParseID)),
		Timetable: report.Timetable{
			Frequency:  report.Frequency(in.text("frequency", 1, scheduleWordMax)),
			Weekday:    orZero(in.optionalInteger("weekday", 1, 7)),
			DayOfMonth: orZero(in.optionalInteger("day_of_month", 1, 31)),
			Minute:     required(in, "time", report.ParseClock),
		},
		Window:      report.Window(in.text("period", 1, scheduleWordMax)),
		Destination: in.text("destination", 1, destinationNameMax),
	}
	if given := optional(in, "charset", parseCharset); given != nil {
		terms.Charset = *given
	}
	if columns := in.text("columns", 0, columnsRunesMax); columns != "" {
		terms.Columns = strings.Split(columns, ",")
	}
	return terms
}

func (s *server) createReportSchedule(c *gin.Context) error {
	key, err := readIdempotency(c)
	if err != nil {
		return err
	}
	in, err := readObject(c)
	if err != nil {
		return err
	}
	terms := readReportSchedule(in)
	if err := in.done(); err != nil {
		return err
	}
	schedule, replayed, err := s.reportSchedules.Create(c.Request.Context(), actor(c), key, terms)
	if err != nil {
		return err
	}
	setReplayed(c, replayed)
	c.Header("Location", "/v1/report-schedules/"+schedule.ID.String())
	return writeJSON(c, http.StatusCreated, viewReportSchedule(schedule))
}

func (s *server) listReportSchedules(c *gin.Context) error {
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	p := query.page()
	if err := query.done(); err != nil {
		return err
	}
	schedules, err := s.reportSchedules.Schedules(c.Request.Context(), actor(c), p)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewList(c, p, schedules, viewReportSchedule, func(r origination.ReportSchedule) domain.ID { return r.ID }))
}

// listReportScheduleEvents pages through a schedule's history by the version that each entry made.
func (s *server) listReportScheduleEvents(c *gin.Context) error {
	id, err := pathID(c, "id")
	if err != nil {
		return err
	}
	query, err := readQuery(c)
	if err != nil {
		return err
	}
	limit, before := domain.PageLimitDefault, orZero(query.optionalInteger("before", 1, math.MaxInt32))
	if given := query.optionalInteger("limit", 1, origination.ReportScheduleEventsPageMax); given != nil {
		limit = *given
	}
	if err := query.done(); err != nil {
		return err
	}
	events, err := s.reportSchedules.History(c.Request.Context(), actor(c), id, before, limit)
	if err != nil {
		return err
	}
	view := listView[reportScheduleEventView]{Items: make([]reportScheduleEventView, len(events))}
	for i, e := range events {
		view.Items[i] = viewReportScheduleEvent(e)
	}
	if len(events) == limit && events[limit-1].Version > 1 {
		view.Next = nextLink(c, map[string]string{"limit": strconv.Itoa(limit), "before": strconv.Itoa(events[limit-1].Version)})
	}
	return writeJSON(c, http.StatusOK, view)
}

func (s *server) retryReportDelivery(c *gin.Context) error {
	scheduleID, err := pathID(c, "id")
	if err != nil {
		return err
	}
	id, err := pathID(c, "delivery_id")
	if err != nil {
		return err
	}
	if err := readNoBody(c); err != nil {
		return err
	}
	delivery, err := s.reportSchedules.Retry(c.Request.Context(), actor(c), scheduleID, id)
	if err != nil {
		return err
	}
	return writeJSON(c, http.StatusOK, viewReportDelivery(delivery))
}

type reportScheduleView struct {
	ID          domain.ID                        `json:"id"`
	Report      report.Code                      `json:"report"`
	Title       string                           `json:"title"`
	Format      report.Format                    `json:"format"`
	Charset     report.Charset                   `json:"charset"`
	Columns     []string                         `json:"columns"`
	ProductCode string                           `json:"product_code"`
	BranchID    *domain.ID                       `json:"branch_id"`
	Frequency   report.Frequency                 `json:"frequency"`
	Weekday     *int                             `json:"weekday"`
	DayOfMonth  *int                             `json:"day_of_month"`
	Time        string                           `json:"time"`
	Period      report.Window                    `json:"period"`
	Destination string                           `json:"destination"`
	OwnerID     domain.ID                        `json:"owner_id"`
	OwnerName   string                           `json:"owner_name"`
	Status      origination.ReportScheduleStatus `json:"status"`
	StatusLabel string                           `json:"status_label"`
	Reason      string                           `json:"reason"`
	NextAt      *time.Time                       `json:"next_at"`
	Version     int                              `json:"version"`
	CreatedAt   time.Time                        `json:"created_at"`
}

func viewReportSchedule(r origination.ReportSchedule) reportScheduleView {
	definition, _ := report.ByCode(r.Terms.Report)
	view := reportScheduleView{
		ID: r.ID, Report: r.Terms.Report, Title: definition.Title, Format: r.Terms.Format, Charset: r.Terms.Charset, Columns: orEmpty(r.Terms.Columns),
		ProductCode: r.Terms.ProductCode, BranchID: present(r.Terms.BranchID), Frequency: r.Terms.Timetable.Frequency, Time: r.Terms.Timetable.Clock(),
		Period: r.Terms.Window, Destination: r.Terms.Destination, OwnerID: r.Owner.ID, OwnerName: r.Owner.Name,
		Status: r.Status, StatusLabel: r.Status.Label(), Reason: r.Reason, NextAt: present(r.NextAt), Version: r.Version, CreatedAt: r.CreatedAt,
	}
	if n := r.Terms.Timetable.Weekday; n != 0 {
		view.Weekday = &n
	}
	if n := r.Terms.Timetable.DayOfMonth; n != 0 {
		view.DayOfMonth = &n
	}
	return view
}

type reportScheduleEventView struct {
	Version     int                              `json:"version"`
	Action      string                           `json:"action"`
	Status      origination.ReportScheduleStatus `json:"status"`
	StatusLabel string                           `json:"status_label"`
	Detail      string                           `json:"detail"`
	ActorID     domain.ID                        `json:"actor_id"`
	ActorName   string                           `json:"actor_name"`
	ActorRole   domain.Role                      `json:"actor_role"`
	At          time.Time                        `json:"at"`
}

func viewReportScheduleEvent(e origination.ReportScheduleEvent) reportScheduleEventView {
	return reportScheduleEventView{
		Version: e.Version, Action: e.Action, Status: e.Status, StatusLabel: e.Status.Label(), Detail: e.Detail,
		ActorID: e.Actor.ID, ActorName: e.Actor.Name, ActorRole: e.Actor.Role, At: e.At,
	}
}

type reportDeliveryView struct {
	ID          domain.ID                        `json:"id"`
	BusinessDay domain.Date                      `json:"business_day"`
	Destination string                           `json:"destination"`
	JobID       *domain.ID                       `json:"job_id"`
	Status      origination.ReportDeliveryStatus `json:"status"`
	StatusLabel string                           `json:"status_label"`
	Attempts    int                              `json:"attempts"`
	Error       string                           `json:"error"`
	Location    string                           `json:"location"`
	DueAt       *time.Time                       `json:"due_at"`
	CreatedAt   time.Time                        `json:"created_at"`
	DeliveredAt *time.Time                       `json:"delivered_at"`
}

func viewReportDelivery(d origination.ReportDelivery) reportDeliveryView {
	return reportDeliveryView{
		ID: d.ID, BusinessDay: d.Day, Destination: d.Destination, JobID: present(d.JobID), Status: d.Status, StatusLabel: d.Status.Label(),
		Attempts: d.Attempts, Error: d.LastError, Location: d.Location, DueAt: present(d.DueAt), CreatedAt: d.CreatedAt, DeliveredAt: present(d.DeliveredAt),
	}
}
