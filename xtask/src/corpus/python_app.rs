//! `python-app`: a web application with old pinned packages in a virtual environment, one layer per instruction.
//!
//! `PyYAML` and `MarkupSafe` are built from source by the pip of Debian 12, which records them as `.egg-info`; the
//! others are wheels with `.dist-info`. pip and setuptools are those of Debian's `ensurepip`.

use anyhow::Result;
use serde_json::json;

use super::{Form, Kit, Recipe};
use crate::stage::Stage;

pub(super) const RECIPE: Recipe = Recipe {
    name: "python-app",
    about: "Debian 12 with Django 3.2.13 and friends in a virtual environment (oracle: dpkg-query, pip)",
    revision: 1,
    needs: &["mmdebstrap", "skopeo", "python3"],
    forms: Form::ALL,
    build,
};

/// What the application asks for; everything it needs in turn is pinned too, so that the image stays the same.
pub(super) const REQUIREMENTS: &str = "\
aiohttp==3.8.3
aiosignal==1.3.1
asgiref==3.6.0
async-timeout==4.0.2
attrs==22.2.0
certifi==2022.12.7
cffi==1.15.1
charset-normalizer==2.1.1
click==8.1.3
cryptography==39.0.0
Django==3.2.13
Flask==2.2.2
frozenlist==1.3.3
greenlet==2.0.1
gunicorn==20.1.0
idna==3.4
itsdangerous==2.1.2
Jinja2==3.1.2
MarkupSafe==2.1.1
multidict==6.0.4
pillow==10.0.0
psycopg2-binary==2.9.5
pycparser==2.21
pytz==2022.7
PyYAML==5.3.1
redis==4.5.1
requests==2.30.0
SQLAlchemy==1.4.46
sqlparse==0.4.3
urllib3==1.26.15
Werkzeug==2.2.2
yarl==1.8.2
";

const APPLICATION: &str = "\
from django.conf import settings
from django.http import HttpResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'])
urlpatterns = [path('', lambda request: HttpResponse('tickets'))]
";

/// Installs Python and the virtual environment `/opt/venv` in three layers.
pub(super) fn install(stage: &mut Stage<'_>) -> Result<()> {
    stage.run(
        "apt-get update && apt-get install -y --no-install-recommends python3 python3-venv && \
         rm -rf /var/lib/apt/lists/*",
    )?;
    stage.run("python3 -m venv /opt/venv")?;
    stage.write("srv/tickets/requirements.txt", REQUIREMENTS)?;
    stage.commit("COPY requirements.txt /srv/tickets/ # buildkit")?;
    stage.run("/opt/venv/bin/pip install --no-cache-dir --no-compile -r /srv/tickets/requirements.txt")
}

fn build(kit: &Kit) -> Result<()> {
    let mut layout = kit.layout()?;
    let mut stage = Stage::debian(kit, &layout)?;
    install(&mut stage)?;
    stage.write("srv/tickets/app.py", APPLICATION)?;
    stage.commit("COPY . /srv/tickets # buildkit")?;
    stage.meta("WORKDIR /srv/tickets");
    stage.meta("ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin");
    stage.meta("EXPOSE map[8000/tcp:{}]");
    stage.meta("CMD [\"gunicorn\" \"app\"]");
    stage.config("WorkingDir", json!("/srv/tickets"));
    stage.config("Env", json!(["PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin"]));
    stage.config("ExposedPorts", json!({"8000/tcp": {}}));
    stage.config("Cmd", json!(["gunicorn", "app"]));
    stage.label("org.opencontainers.image.title", "tickets");
    stage.dpkg_oracle()?;
    kit.oracle("pip.json", stage.shell("/opt/venv/bin/pip list --format json")?)?;
    kit.oracle("pip-inspect.json", stage.shell("/opt/venv/bin/pip inspect 2>/dev/null")?)?;
    let image = stage.finish()?;
    layout.tag(image, "latest");
    layout.finish()
}
