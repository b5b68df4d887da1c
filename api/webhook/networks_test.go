package webhook

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"greffe/projections/changes"
)

func TestReach(t *testing.T) {
	t.Parallel()
	for want, addresses := range map[reach]string{
		nobody: "0.0.0.0 0.1.2.3 169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 " +
			":: fe80::1 fe80::1%eth0 ff02::1 fd00:ec2::254 fd20:ce::254 fec0::1 2001:db8::1 3fff::1 100::1 2001::1 ::ffff:169.254.169.254 ::169.254.169.254 2002:a9fe:a9fe::1 64:ff9b::169.254.169.254 64:ff9b:1::a9fe:a9fe",
		house: "127.0.0.1 127.255.0.1 10.0.0.7 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 ::1 fc00::1 fd12:3456::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1::1 2002:a00:1:: 64:ff9b::7f00:1 64:ff9b::10.0.0.1 ::127.0.0.1",
		world: "1.1.1.1 172.32.0.1 9.9.9.9 100.63.255.255 100.128.0.1 192.0.1.1 2606:4700::1111 2a00:1450::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1",
	} {
		for text := range strings.FieldsSeq(addresses) {
			if got := reachOf(netip.MustParseAddr(text)); got != want {
				t.Errorf("%s is %d, want %d", text, got, want)
			}
		}
	}
	if reachOf(netip.Addr{}) != nobody {
		t.Error("no address is one")
	}
}

func TestHouseIsClosed(t *testing.T) {
	t.Parallel()
	for address, open := range map[string]bool{"https://127.0.0.1/": true, "http://localhost/": true, "http://[::1]/": true, "https://10.0.0.7/": true, "https://[fd12::1]/": true,
		"https://[::ffff:10.0.0.7]/": true, "https://crm.example.org/": false, "https://9.9.9.9/": false} {
		u, err := ParseURL(address)
		if err != nil {
			t.Fatal(address, err)
		}
		if err := Check(u, true); err != nil {
			t.Errorf("%s where the house is open: %v", address, err)
		}
		if err := Check(u, false); errors.Is(err, ErrAddress) != open || err != nil && (!strings.Contains(err.Error(), "--webhook-allow-private") || strings.Contains(err.Error(), u.Host)) {
			t.Errorf("%s where it is closed: %v", address, err)
		}
	}
	for _, address := range []string{"10.0.0.7:443", "127.0.0.1:443", "[::1]:443", "[::ffff:192.168.0.1]:443", "[64:ff9b::10.0.0.1]:443", "100.64.0.9:443"} {
		if mayDial(false, false, address) == nil || mayDial(false, true, address) != nil {
			t.Errorf("%s is not for the house alone", address)
		}
	}
}

// A name that leads into the house is refused when it is dialled, not a byte is
// sent, and a redirect into it is not followed.
func TestNamesThatLeadInside(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer inside.Close()
	u, err := ParseURL(strings.Replace(inside.URL, "127.0.0.1", "localhost", 1))
	if err != nil {
		t.Fatal(err)
	}
	via := transport(u, false)
	defer via.CloseIdleConnections()
	l := &loop{cfg: Config{Now: time.Now, Timeout: 10 * time.Second}, target: Target{"crm", u, nil, false}, client: &http.Client{Transport: via}}
	if err := l.send(t.Context(), &Batch{Changes: []changes.Change{{}}}); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "localhost") || asked.Load() != 0 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
	b := newBench(t, 1, func(n int, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			http.Redirect(w, r, inside.URL, http.StatusTemporaryRedirect)
			return
		}
		ok(n, w, r)
	})
	b.run(b.taken(0))
	if asked.Load() != 0 || len(b.got) != 2 {
		t.Errorf("a redirect was followed: %d, %d attempts", asked.Load(), len(b.got))
	}
}
