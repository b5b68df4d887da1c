package event

// cursor walks JSON text once, without allocating. It accepts exactly RFC 8259
// with the strictness of I-JSON (RFC 7493): no duplicate names, no lone
// surrogates. The caller has checked that the text is UTF-8.
type cursor struct {
	b []byte
	i int
}

// maxNesting bounds the recursion, whoever made the text.
const maxNesting = 2 * MaxDepth

// whole reports whether b is one JSON value and nothing else. If it is an
// object, fn gets each member: the name as it is quoted, and the value.
func whole(b []byte, fn func(name, val []byte)) bool {
	c := cursor{b: b}
	c.space()
	ok := false
	if c.peek() == '{' {
		ok = c.object(0, fn)
	} else {
		ok = c.value(0)
	}
	c.space()
	return ok && c.i == len(b)
}

// elements calls fn for each element of the array b; false if it is none.
func elements(b []byte, fn func(val []byte)) bool {
	c := cursor{b: b}
	return c.peek() == '[' && c.array(0, fn) && c.i == len(b)
}

func (c *cursor) peek() byte {
	if c.i < len(c.b) {
		return c.b[c.i]
	}
	return 0
}

func (c *cursor) space() {
	for c.i < len(c.b) {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
			c.i++
		default:
			return
		}
	}
}

func (c *cursor) value(depth int) bool {
	if depth > maxNesting {
		return false
	}
	switch c.peek() {
	case '"':
		return c.text()
	case '{':
		return c.object(depth, nil)
	case '[':
		return c.array(depth, nil)
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	}
	return c.number()
}

func (c *cursor) object(depth int, fn func(name, val []byte)) bool {
	var seen names
	c.i++
	for c.space(); ; c.space() {
		if c.peek() == '}' && seen.n == 0 {
			c.i++
			return true
		}
		from := c.i
		if !c.text() {
			return false
		}
		name := c.b[from:c.i]
		if c.space(); c.peek() != ':' || !seen.add(name) {
			return false
		}
		c.i++
		c.space()
		from = c.i
		if !c.value(depth + 1) {
			return false
		}
		if fn != nil {
			fn(name, c.b[from:c.i:c.i])
		}
		if more, ok := c.after('}'); !more {
			return ok
		}
	}
}

func (c *cursor) array(depth int, fn func(val []byte)) bool {
	c.i++
	if c.space(); c.peek() == ']' {
		c.i++
		return true
	}
	for {
		c.space()
		from := c.i
		if !c.value(depth + 1) {
			return false
		}
		if fn != nil {
			fn(c.b[from:c.i:c.i])
		}
		if more, ok := c.after(']'); !more {
			return ok
		}
	}
}

// after reads what follows a member or an element.
func (c *cursor) after(end byte) (more, ok bool) {
	c.space()
	switch c.peek() {
	case ',':
		c.i++
		return true, true
	case end:
		c.i++
		return false, true
	}
	return false, false
}

func (c *cursor) word(w string) bool {
	if len(c.b)-c.i < len(w) || string(c.b[c.i:c.i+len(w)]) != w {
		return false
	}
	c.i += len(w)
	return true
}

func (c *cursor) number() bool {
	if c.peek() == '-' {
		c.i++
	}
	if c.peek() == '0' {
		c.i++
	} else if !c.digits() {
		return false
	}
	if c.peek() == '.' {
		if c.i++; !c.digits() {
			return false
		}
	}
	if p := c.peek(); p == 'e' || p == 'E' {
		c.i++
		if p = c.peek(); p == '+' || p == '-' {
			c.i++
		}
		return c.digits()
	}
	return true
}

func (c *cursor) digits() bool {
	from := c.i
	for c.peek() >= '0' && c.peek() <= '9' {
		c.i++
	}
	return c.i > from
}

func (c *cursor) text() bool {
	if c.peek() != '"' {
		return false
	}
	for c.i++; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; {
		case b == '"':
			c.i++
			return true
		case b < ' ':
			return false
		case b == '\\' && !c.escape():
			return false
		}
	}
	return false
}

// escape reads the escape that begins at i and leaves i on its last byte.
func (c *cursor) escape() bool {
	c.i++
	switch c.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return false
	}
	r, ok := c.hex4()
	if !ok || r >= 0xdc00 && r < 0xe000 {
		return false
	}
	if r < 0xd800 || r >= 0xdc00 {
		return true
	}
	c.i++
	if !c.word("\\") || c.peek() != 'u' {
		return false
	}
	low, ok := c.hex4()
	return ok && low >= 0xdc00 && low < 0xe000
}

// hex4 reads the four digits after the u at i and leaves i on the last one.
func (c *cursor) hex4() (r int, ok bool) {
	if len(c.b)-c.i < 5 {
		return 0, false
	}
	for _, d := range c.b[c.i+1 : c.i+5] {
		switch {
		case d >= '0' && d <= '9':
			r = r<<4 | int(d-'0')
		case d|0x20 >= 'a' && d|0x20 <= 'f':
			r = r<<4 | int(d|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	c.i += 4
	return r, true
}
