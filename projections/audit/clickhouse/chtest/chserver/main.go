//go:build linux

// Command chserver runs a real ClickHouse engine for tests, on a machine without
// a ClickHouse package: it loads libchdb.so, which has clickhouse-local in it,
// without cgo, and has that open the server's own HTTP and native listeners with
// SYSTEM START LISTEN. There is no protocol code of ours in between.
//
// It runs until standard input ends or SIGTERM, then shuts the engine down; after
// SIGKILL the same directory can be opened again, as after a crash of a server.
// Tests start it through package chtest. It is no server for anything else: its
// users can read any file, and what it lacks of a server is listed there.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

func main() {
	var c config
	lib := flag.String("lib", "", "path of libchdb.so")
	flag.StringVar(&c.Dir, "path", "", "directory of the data, the generated configuration and the log")
	flag.IntVar(&c.Native, "native", 0, "port of the native protocol")
	flag.IntVar(&c.HTTP, "http", 0, "port of HTTP")
	flag.StringVar(&c.Users, "users", "", "users.xml to use in place of one user without password")
	flag.StringVar(&c.extraFile, "extra", "", "file of elements to put inside <clickhouse>")
	flag.Int64Var(&c.Memory, "memory", 4<<30, "max_server_memory_usage, bytes")
	remove := flag.Bool("remove", false, "remove the directory at the end")
	flag.Parse()
	if *lib == "" || c.Dir == "" || c.Native == 0 || c.HTTP == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*lib, &c); err != nil {
		fmt.Fprintln(os.Stderr, "chserver:", err)
		os.Exit(1)
	}
	if *remove {
		_ = os.RemoveAll(c.Dir)
	}
}

func run(lib string, c *config) (err error) {
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return err
	}
	if err := c.write(); err != nil {
		return err
	}
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil {
		return err
	}
	in, err := syscall.Dup(0)
	if err != nil {
		return err
	}
	terminal, err := terminalOnStdin()
	if err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	stop := sync.OnceFunc(func() {
		_ = syscall.Close(pipe[1])  // ends the query that keeps the engine alive
		_ = syscall.Close(terminal) // and the interactive loop behind it
	})
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		stop()
	}()
	go func() {
		_, _ = io.Copy(io.Discard, os.NewFile(uintptr(in), "stdin"))
		stop()
	}()
	sql := fmt.Sprintf("SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "+
		"SELECT * FROM file('/dev/fd/%d', 'LineAsString', 's String') FORMAT Null", pipe[0])
	return engine(lib, []string{"clickhouse", "--config-file", c.path("etc/config.xml"), "--path", c.path("data"), "--database", "default",
		"--logger.log", c.path("log/clickhouse.log"), "--log-level", "warning",
		"--interactive", "--disable_suggestion", "--progress", "off", "--query", sql})
}

func quoteXML(s string) string { return strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(s) }
