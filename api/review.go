package api

// reviewRoutes are the routes of the review of referred cases: tasks, site visits, the committee (审查).
func (s *server) reviewRoutes() []route { return nil }
