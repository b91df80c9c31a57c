package redistest

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// pump gives an in-memory connection the read buffer that a socket has.
// Without one, a long pipeline stands still: the server cannot answer before
// the client has read, and the client reads only after it has sent all.
type pump struct {
	net.Conn
	mu   sync.Mutex
	more *sync.Cond
	buf  bytes.Buffer
	err  error
}

func newPump(c net.Conn) *pump {
	p := &pump{Conn: c}
	p.more = sync.NewCond(&p.mu)
	go p.run()
	return p
}

func (p *pump) run() {
	chunk := make([]byte, 4096)
	for {
		n, err := p.Conn.Read(chunk)
		p.mu.Lock()
		p.buf.Write(chunk[:n])
		p.err = err
		p.mu.Unlock()
		p.more.Broadcast()
		if err != nil {
			return
		}
	}
}

func (p *pump) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.buf.Len() == 0 && p.err == nil {
		p.more.Wait()
	}
	if p.buf.Len() == 0 {
		return 0, p.err
	}
	return p.buf.Read(b)
}

// SetReadDeadline does nothing: the embedded server answers, or is closed.
func (p *pump) SetReadDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline for writing only.
func (p *pump) SetDeadline(t time.Time) error { return p.SetWriteDeadline(t) }
