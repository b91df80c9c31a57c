package web

import (
	"github.com/labstack/echo/v4"
)

// remindersPage asks whether reminders are to be turned off, or says that
// they are.
type remindersPage struct {
	App string
	Off bool
}

// reminders answers GET /m/{link}/reminders.
func (s *server) reminders(c *call) error {
	_, m, err := s.behindLink(c)
	if err != nil {
		return err
	}
	s.aboutOne(c, m.App, m.Consent)
	return s.show(c, "reminders", remindersPage{App: m.App.Name, Off: m.Consent.NoReminders})
}

// setReminders answers POST /m/{link}/reminders: our own form, and a mail
// program's one-click unsubscription (RFC 8058 section 3.1), which has neither
// cookies nor an origin. So no origin is asked for: whoever has the link may
// press the button. Only our own form turns them on again.
func (s *server) setReminders(c *call) error {
	link, m, err := s.behindLink(c)
	if err != nil {
		return err
	}
	on := c.QueryParam("on") == "yes"
	if on && s.ourForm(c) != nil {
		return errForeignForm
	}
	if err := s.service.Remind(c.Request().Context(), link, on); err != nil {
		return err
	}
	if on {
		return s.toManage(c)
	}
	s.aboutOne(c, m.App, m.Consent)
	return s.show(c, "reminders", remindersPage{App: m.App.Name, Off: true})
}

func (s *server) routeReminders(e *echo.Echo) {
	e.GET("/m/:link/reminders", on(s.limited(s.reminders)))
	e.HEAD("/m/:link/reminders", on(s.limited(s.reminders)))
	e.POST("/m/:link/reminders", on(s.limited(s.setReminders)))
}
