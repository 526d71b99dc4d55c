package api

// jobRoutes are the routes of work in the background with progress (后台任务).
func (s *server) jobRoutes() []route { return nil }
