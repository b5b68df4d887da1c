package policy

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

const (
	// MaxBytes bounds a policy text.
	MaxBytes = 1 << 20
	// format is the version of the text's format.
	format   = 1
	maxText  = 2000
	maxDepth = 12
)

// Parse reads a policy text. The error, if any, is an Errors with every problem
// found; there is no Policy then. Anchors, aliases, tags, merge keys and a second
// document are refused: a regulator reads the text as it stands.
func Parse(text []byte) (*Policy, error) {
	r := new(reader)
	root := r.document(text)
	if root == nil {
		return nil, r.errs
	}
	p := new(Policy)
	r.policy(p, root)
	if len(r.errs) > 0 {
		return nil, r.errs.sorted()
	}
	return p, nil
}

// document returns the root node of a text that is one plain YAML document.
func (r *reader) document(text []byte) *yaml.Node {
	if len(text) > MaxBytes {
		r.add(nil, "", "shorten the text to at most %d bytes", MaxBytes)
		return nil
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	if err := dec.Decode(&doc); err != nil {
		r.errs = append(r.errs, syntax(err))
		return nil
	}
	switch err := dec.Decode(&next); {
	case err == nil:
		r.add(&next, "", "remove this second document; a policy is one")
	case !errors.Is(err, io.EOF):
		r.errs = append(r.errs, syntax(err))
	}
	if len(doc.Content) != 1 {
		r.add(nil, "", "write a policy; the text is empty")
		return nil
	}
	r.plain(doc.Content[0], 0)
	if len(r.errs) > 0 {
		return nil
	}
	return doc.Content[0]
}

var syntaxLine = regexp.MustCompile(`line (\d+)`)

// syntax keeps of the YAML reader's error its line only, as the rest may quote
// the text.
func syntax(err error) Error {
	e := Error{Line: 1, Column: 1, Message: "correct the indentation, quotes or list marks here or above; the text is not YAML"}
	if m := syntaxLine.FindStringSubmatch(err.Error()); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
	}
	return e
}

func (r *reader) plain(n *yaml.Node, depth int) {
	switch {
	case depth > maxDepth:
		r.add(n, "", "flatten this; nothing in a policy is nested so deep")
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.add(n, "", "write this out instead of using an anchor or alias")
		return
	case n.Style&yaml.TaggedStyle != 0:
		r.add(n, "", "remove the tag; the format knows the type")
		return
	}
	for _, c := range n.Content {
		r.plain(c, depth+1)
	}
}

// policy reads the sections in the order in which they refer to one another.
func (r *reader) policy(p *Policy, root *yaml.Node) {
	o := r.object(root, "", "version", "name", "controllers", "purposes", "channels", "classes", "fields",
		"field_groups", "portfolios",
		"retention", "erasure", "recipients", "roles", "reasons", "guard", "bounds", "contactability", "anchors", "watch", "access", "approvals")
	if o.at == nil {
		return
	}
	o.number("version", format, format)
	p.name = o.must("name")
	r.controllers(p, o)
	r.channels(p, o)
	r.purposes(p, o)
	r.classes(p, o)
	r.fields(p, o)
	r.fieldGroups(p, o)
	r.portfolios(p, o)
	r.roles(p, o)
	r.watched(p, o)
	r.reasons(p, o)
	if n := o.get("bounds", true); n != nil {
		r.bounds(p, n)
	}
	r.retention(p, o)
	r.erasure(p, o)
	r.recipients(p, o)
	if n := o.get("guard", true); n != nil {
		r.guard(p, n)
	}
	if n := o.get("contactability", false); n != nil {
		r.contactability(p, n)
	}
	if n := o.get("anchors", false); n != nil {
		r.anchors(p, n)
	}
	r.approvals(p, o)
	if n := o.get("access", false); n != nil {
		r.access(p, n)
	}
}

// listed enters a code into an index and reports one that is there already.
func (o *object) listed(at map[string]int, code string, i int) {
	if code == "" {
		return
	}
	if has(at, code) {
		o.r.add(o.at["code"], join(o.path, "code"), "choose another code, this one stands above already")
		return
	}
	at[code] = i
}

func (r *reader) controllers(p *Policy, o *object) {
	p.controllerAt = map[string]int{}
	o.each("controllers", true, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "name", "contact")
		x := Controller{Code: c.code("code"), Name: c.must("name")}
		if n := c.get("contact", true); n != nil {
			k := r.object(n, join(path, "contact"), "address", "email", "phone", "dpo")
			x.Address, x.Email, x.Phone, x.DPO = k.may("address"), k.may("email"), k.may("phone"), k.may("dpo")
			if k.at != nil && x.Address+x.Email+x.Phone == "" {
				r.add(n, k.path, "give an address, email or phone; every notice names one (art. 13(1)(a))")
			}
		}
		c.listed(p.controllerAt, x.Code, len(p.controllers))
		p.controllers = append(p.controllers, x)
	})
}

func (r *reader) channels(p *Policy, o *object) {
	p.channelAt = map[string]int{}
	o.each("channels", true, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label")
		x := Channel{Code: c.oneOf("code", true, ChannelCodes()), Label: c.label("label")}
		c.listed(p.channelAt, x.Code, len(p.channels))
		p.channels = append(p.channels, x)
	})
}

func (r *reader) purposes(p *Policy, o *object) {
	p.purposeAt = map[string]int{}
	known := keys(p.channelAt)
	o.each("purposes", true, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "label", "legal_bases", "reference", "channels", "prospecting")
		x := Purpose{Code: c.code("code"), Label: c.label("label"), LegalBases: c.someOf("legal_bases", true, legalBases()),
			Reference: c.must("reference"), Channels: c.someOf("channels", false, known)}
		if c.get("prospecting", false) != nil {
			is := c.flag("prospecting", true)
			x.Prospecting = &is
		}
		c.listed(p.purposeAt, x.Code, len(p.purposes))
		p.purposes = append(p.purposes, x)
	})
}

func (r *reader) classes(p *Policy, o *object) {
	p.classAt = map[string]int{}
	n := o.get("classes", true)
	o.each("classes", n != nil, func(n *yaml.Node, path string) {
		c := r.object(n, path, "code", "epoch", "label")
		x := Class{Code: c.oneOf("code", true, ClassCodes()), Label: c.label("label"),
			Epoch: c.oneOf("epoch", true, []string{EpochWhole, EpochYear, EpochMonth})}
		c.listed(p.classAt, x.Code, len(p.classes))
		p.classes = append(p.classes, x)
	})
	for _, code := range ClassCodes() {
		if n != nil && !has(p.classAt, code) {
			r.add(n, "classes", "add the class %s; the ledger seals into it", code)
		}
	}
}
