package web

import (
	"slices"
	"strconv"
)

// errorView is a page that says what went wrong and what to do next.
type errorView struct {
	Code   string
	Reload bool   // loading a page again is the next step
	Again  string // its address; empty for this one
	door
}

// door is the way back to an app; empty when nobody knows to which.
type door struct{ App, ToApp string }

func (s *server) errorPage(c *call, a answer) error {
	e := s.edition(c)
	view := errorView{Code: a.code, Reload: a.retry > 0 || reloads[a.code], Again: again(c)}
	if !e.Has("error." + view.Code + ".title") {
		view.Code = internalError
	}
	if !view.Reload || view.Code == internalError {
		view.door = s.doorTo(c)
	}
	if a.retry > 0 {
		c.Response().Header().Set("Retry-After", strconv.Itoa(wholeSeconds(a.retry)))
	}
	return s.showWith(c, a.status, "error", view)
}

// reloads are the answers after which the same page may well come up, apart
// from those that say when.
var reloads = map[string]bool{"no-cookie": true, "rate-limited": true, internalError: true}

// again is the address of the page that had the form which c answers. A form
// cannot be loaded again.
func again(c *call) string {
	if isLook(c.Request().Method) {
		return ""
	}
	switch c.Path() {
	case "/m/:link/renew", "/m/:link/stop", "/m/:link/reminders", "/m/:link/access", "/access/:id/renew", "/access/:id/stop":
		return "./"
	case "/access/sign-in", "/access/sign-out":
		return "../access"
	case "/back/:ref/retry":
		return "../" + c.Param("ref")
	}
	return ""
}

// doorTo leads to the app whose page this browser saw last, or to the only
// one that there is.
func (s *server) doorTo(c *call) door {
	s.edition(c)
	i := slices.IndexFunc(s.c.Apps, func(a AppKeys) bool { return a.App.ID == c.visit })
	if i < 0 && len(s.c.Apps) == 1 {
		i = 0
	}
	if i < 0 {
		return door{}
	}
	return door{App: s.c.Apps[i].App.Name, ToApp: home(s.c.Apps[i].App)}
}
