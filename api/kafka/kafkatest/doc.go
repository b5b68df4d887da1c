//go:build real

// Package kafkatest starts a real Apache Kafka, in KRaft mode, for the tests
// with build tag real: one node or three, each a Java process of its own that is
// broker and controller, on free ports of the loopback interface, with its data
// in the test's temporary directory.
//
// Promises: Start returns when every node answers for the whole cluster. Kill is
// SIGKILL, Pause is SIGSTOP, Start after Kill or Stop has the same data and the
// same addresses. Every process is gone when the test has ended, also when the
// test's own process is killed. A test fails, and is never skipped, if Kafka
// cannot be started; the end of the nodes' logs goes into the test's log then.
//
// Assumes: Linux, Java 17 or later, and the class path that
// `deploy/real/fetch.sh kafka` writes (GREFFE_KAFKA_CP names another file).
// Nothing here is secret: passwords stand in files of the temporary directory.
//
// Limits are those of small tests: elections after two to five seconds of
// silence instead of nine to thirty, a cleaner's buffer of 4 MiB, the C1
// compiler only. What is measured on such a broker is a lower bound.
package kafkatest
