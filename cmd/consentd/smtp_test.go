package main

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// postbox is a mail server that takes everything.
type postbox struct {
	addr  string
	mails chan string // as they were sent
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	b := &postbox{addr: l.Addr().String(), mails: make(chan string, 100)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go b.talk(conn)
		}
	}()
	return b
}

// talk speaks as much SMTP as one mail needs.
func (b *postbox) talk(conn net.Conn) {
	defer conn.Close()
	say := func(line string) { _, _ = conn.Write([]byte(line + "\r\n")) }
	say("220 postbox.test")
	var mail strings.Builder
	inMail := false
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		line := lines.Text()
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); {
		case inMail && line == ".":
			b.mails <- mail.String()
			inMail = false
			say("250 taken")
		case inMail:
			mail.WriteString(line + "\n")
		case verb == "DATA":
			inMail = true
			say("354 go on")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
