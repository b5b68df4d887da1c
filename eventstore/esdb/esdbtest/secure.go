package esdbtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Files of WriteCertificates. The official tests name them so.
const (
	caFile   = "ca/ca.crt"
	alienCA  = "untrusted-ca/ca.crt"
	certFile = "node/node.crt"
	keyFile  = "node/node.key"
)

// WriteCertificates makes an authority ca/ca.crt of its own and, signed by it,
// node/node.crt and node/node.key for localhost and 127.0.0.1, and another
// authority untrusted-ca/ca.crt, all for a day.
func WriteCertificates(dir string) error {
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "esdbtest authority"},
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	caKey, err := certify(dir, caFile, "", ca, ca, nil)
	if err != nil {
		return err
	}
	alien := *ca
	if _, err := certify(dir, alienCA, "", &alien, &alien, nil); err != nil {
		return err
	}
	_, err = certify(dir, certFile, keyFile, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "eventstoredb-node"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, ca, caKey)
	return err
}

// certify writes a certificate of a new key, signed by signer or by itself.
func certify(dir, certName, keyName string, c, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	if signer == nil {
		signer = key
	}
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	if err := writePEM(filepath.Join(dir, certName), "CERTIFICATE", der); err != nil || keyName == "" {
		return key, err
	}
	der, err = x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return key, writePEM(filepath.Join(dir, keyName), "EC PRIVATE KEY", der)
}

func writePEM(name, kind string, der []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		return fmt.Errorf("write certificate: %w", err)
	}
	return nil
}

// secured are the options of a node with TLS and Basic credentials.
func secured(certDir string) ([]grpc.ServerOption, error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(certDir, certFile), filepath.Join(certDir, keyFile))
	if err != nil {
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	return []grpc.ServerOption{
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})),
		grpc.UnaryInterceptor(func(ctx context.Context, r any, i *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			if err := authenticate(ctx, i.FullMethod); err != nil {
				return nil, err
			}
			return h(ctx, r)
		}),
		grpc.StreamInterceptor(func(s any, ss grpc.ServerStream, i *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			if err := authenticate(ss.Context(), i.FullMethod); err != nil {
				return err
			}
			return h(s, ss)
		}),
	}, nil
}

func authenticate(ctx context.Context, method string) error {
	if strings.Contains(method, ".ServerFeatures/") || strings.Contains(method, ".Gossip/") {
		return nil
	}
	md, _ := metadata.FromIncomingContext(ctx)
	for _, h := range md.Get("authorization") {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(h, "Basic "))
		if err == nil && string(raw) == User+":"+Password {
			return nil
		}
	}
	return status.Error(codes.Unauthenticated, "unauthenticated")
}
