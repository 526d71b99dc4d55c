package api

// holdRoutes are the routes of holds on money (冻结/静置).
func (s *server) holdRoutes() []route { return nil }
