package api

// reportRoutes are the routes of the reports of branches and the reporting desk (报表).
func (s *server) reportRoutes() []route { return nil }
