package api

// reconciliationRoutes are the routes of the channel's day files against our payments (对账).
func (s *server) reconciliationRoutes() []route { return nil }
