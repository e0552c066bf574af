//! An image of a local engine: exported over its socket into a nameless file, then read like any other archive.

use crate::archive::{Archive, unpack};
use crate::engine::{Engine, EngineKind};
use crate::error::OpenError;
use crate::files::Files;
use crate::network::{Network, Started};
use crate::reference::Reference;
use crate::source::docker_archive::{self, DockerArchiveImage};
use crate::source::{OpenOptions, SourceKind};
use bytes::{Buf, Bytes};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// Exports and opens an image.
pub(crate) fn open(
    engine: EngineKind,
    reference: &Reference,
    options: &OpenOptions,
    network: &Network,
) -> Result<DockerArchiveImage, OpenError> {
    let found = Engine::find(engine, network.options())?;
    let started = network.start()?;
    let response = started.wait(&network.options().stop, found.export(reference))??;
    let place = format!("{engine}:{reference}");
    let body = Body { started: &started, stop: &network.options().stop, response, current: Bytes::new() };
    let path = PathBuf::from(&place);
    let archive = Archive::index(&path, unpack(body, None, &options.spool, &path)?)?;
    let kind = match engine {
        EngineKind::Docker => SourceKind::Docker,
        EngineKind::Podman => SourceKind::Podman,
    };
    docker_archive::open(kind, Files::Archive(archive), &place, None, options.platform.as_ref())
}

/// A response's body as a reader.
struct Body<'a> {
    started: &'a Started,
    stop: &'a AtomicBool,
    response: reqwest::Response,
    current: Bytes,
}

impl Read for Body<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.started.wait(self.stop, self.response.chunk()).map_err(io::Error::other)? {
                Ok(Some(chunk)) => self.current = chunk,
                Ok(None) => return Ok(0),
                Err(error) => return Err(io::Error::other(error.without_url())),
            }
        }
        let count = self.current.len().min(buf.len());
        let (Some(to), Some(from)) = (buf.get_mut(..count), self.current.get(..count)) else { return Ok(0) };
        to.copy_from_slice(from);
        self.current.advance(count);
        Ok(count)
    }
}
